"""The CDK app of the backend: one parametrised Api and Relay stack per region."""
