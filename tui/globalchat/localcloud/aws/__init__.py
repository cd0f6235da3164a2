"""AWS's own APIs for SDKs and the AWS CLI: the parts that operating a deployment needs."""
