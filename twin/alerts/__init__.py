"""Alerts as documents: what the world is told of a simulated run, in the form the LVK's public alerts have.

For planners who ask what an alert should carry, what has to be kept to check it later, and what that costs. From
`record` to document: `notices` (what is sent when), `models` (which program said so), `drawn` (what was measured,
drawn), `public` and `extension` (the two parts), `document` (both of each notice), `writing`, `accounts` (bytes
under a policy), `reader` (somebody else's document). Every document says that it is simulated: id MS…, search MDC.
Knows no queue, and no program that could be executed.
"""
