"""The vendor's signed licence: what it says, whether it holds now, and what it allows. Always offline."""
