"""AWS's own APIs for SDKs and the AWS CLI: as much of events, sqs and sts as operating takes."""
