"""What flows: topics, contracts, settings, the Faust app and its batch lane, the embedded broker."""
