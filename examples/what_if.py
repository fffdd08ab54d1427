"""What does the data-quality veto cost in real signals, and what does it save in false alerts?"""

import twin


def main() -> None:
    scenario = twin.load("first-light").with_({"horizon": "5 d"})
    for gate in ("veto", None):
        summary = twin.run(scenario.with_({"stages.alert.gate": gate}), replicas=4).summary
        lost, false = summary["lost"], summary["false_alerts_per_day"]
        print(
            f"gate {gate or 'none':5s} lost {100 * lost['value']:4.1f} % of {lost['n']} signals, "
            f"{false['value']:6.1f} false alerts a day"
        )


if __name__ == "__main__":
    main()
