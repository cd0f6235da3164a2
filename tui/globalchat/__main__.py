"""`python -m globalchat`: the command, where its script is not on the `PATH`."""

from globalchat.cli.main import main

if __name__ == "__main__":
    main()
