"""The channels by which an alert reaches people: a file a channel, and the pool that sends over them."""
