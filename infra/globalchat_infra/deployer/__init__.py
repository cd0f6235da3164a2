"""The deployer: checks first, then the pinned CDK command line, then a profile."""
