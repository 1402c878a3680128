"""The seesaw of chapter 9."""
