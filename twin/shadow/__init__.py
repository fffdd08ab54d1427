"""The twin beside a running farm: it follows the farm's log, says what comes next, and sees whether it was right.

`tail` reads the log as it grows, `follower` has the kernel repeat it, `forecast` goes on from there with the times
of the profile, `figures` is what is foretold and compared, `band` how far off a forecast may be, and `watch` puts
them together. All it knows of the farm is the scenario, the profiles and the log (`twin.farm.journal`).
"""
