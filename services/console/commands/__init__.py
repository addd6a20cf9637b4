"""What each command of `leads` does: asks the stack, prints the answer. One file a command or a group of them."""
