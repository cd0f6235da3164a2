"""The chat in a browser: `globalchat web` serves it on loopback, with a process of its own for each tab.

Of textual-serve only the terminal for the page is used (xterm.js, its style and its font). Its server has no
check of who asks, starts the chat with a shell and all of its environment, and its `AppService` waits without
an end for a chat that does not quit, keeps everything that the chat writes to standard error in memory, and
prints it to the terminal of the server. All of its methods would have to be replaced.
"""
