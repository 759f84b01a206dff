"""What does a table look like before anything is read into it? Pure functions over its values."""
