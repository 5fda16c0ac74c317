"""The safety officer's report: what was told per bed and shift, how soon it was answered, and what was withheld."""
