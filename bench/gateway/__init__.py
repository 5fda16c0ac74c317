"""How fast the gateway is: an open-loop driver in processes of its own, its ledger, and the topic read back."""
