"""The servers under test: globalchat's, bare baselines, message brokers, and the Amplify simulator."""
