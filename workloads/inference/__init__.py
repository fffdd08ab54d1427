"""Parameter estimation of binary black holes: prior, likelihood, flow, samplers, sky map and classes."""
