"""What is found out before the first step: of data, batch and memory."""
