"""The error ledger of chapter 11."""
