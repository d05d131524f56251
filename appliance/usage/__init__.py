"""What was used: tokens and engine seconds for each inference."""
