"""The conv microscope of chapter 6."""
