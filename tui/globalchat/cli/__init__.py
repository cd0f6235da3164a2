"""The command line: `main` has the table of commands, `commands` a module per command.

The other modules are shared by commands: `command` and `options` declare them, `output` and `streams` meet
the terminal, `profiles` and `local_cloud` find the regions, `aws_deployment` a deployment on AWS. A big
command has a second module for one run of it (`publish_run`) or for its report (`bench_report`).
"""
