from cctview.matching import BeliefMatcher, NearestMatcher
from cctview.plugins import load_plugin, plugin_names
from cctview.testing.matchers import MatcherContract


class TestBelief(MatcherContract):
    def make(self):
        return BeliefMatcher()


class TestNearest(MatcherContract):
    def make(self):
        return NearestMatcher()


def test_both_come_in_by_the_door_for_everybody():
    assert {"belief", "nearest"} <= set(plugin_names("matchers"))
    assert load_plugin("matchers", "belief") is BeliefMatcher
    assert load_plugin("matchers", "nearest") is NearestMatcher
