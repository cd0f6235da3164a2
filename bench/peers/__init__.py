"""What globalchat is measured beside: bare servers, brokers, and the simulator of Amplify."""
