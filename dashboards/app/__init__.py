"""The planners' dashboard: `ettwin dash`. Only this package knows Dash; none of it loads torch."""
