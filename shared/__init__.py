"""What all services share and none owns: the language of the topics, and the shell that carries a record from poll to commit."""
