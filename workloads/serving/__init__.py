"""Networks that a site's own server executes (Triton, KServe, MLServer), by the Open Inference Protocol v2."""
