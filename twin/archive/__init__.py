"""Can an alert be checked afterwards? An archive of models, capsules of alerts, and the question asked again.

`sealed` signs, `formats` says what may be loaded, `store` keeps models and capsules by their digests, `audit`
looks whether all are whole, `origin` says what executed a run, `capsule` keeps what an alert's programs saw and
said, `of_run` makes those of a run that asks for them, `tolerance` says how far runtimes may differ, and `again`
asks the archived model about the archived strain. Runs know nothing of it but `origin` and `of_run`.
"""
