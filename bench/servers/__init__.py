"""The servers under test: ours, bare ones, brokers, and the simulator of Amplify."""
