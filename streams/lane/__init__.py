"""The live lane over Faust and aiokafka: what is fetched comes in blocks, what is durable is committed."""
