"""Nothing but aiokafka."""
