"""Files become text: one module per format, a child process that runs them under limits."""
