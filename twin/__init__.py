"""The twin: what happens when work meets sites. Scenario → Plan → Record."""
