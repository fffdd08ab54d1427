"""Studies: a scenario at many points, over the same replicas of sky and luck.

`evaluation` says what is asked and told, `engine` answers and `answers` keeps what is known; `registry` names the
kinds of studies, each a driver that asks; `study` carries one out, `quantities` are what it tells. Knows runs by
their records.
"""
