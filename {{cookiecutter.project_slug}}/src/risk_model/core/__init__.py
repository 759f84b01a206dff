"""What every room stands on: types, records and scores that no room owns."""
