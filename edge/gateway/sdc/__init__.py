"""IEEE 11073 SDC: the gateway as a consumer of providers in the network."""
