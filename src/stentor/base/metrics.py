"""Every metric of every part, declared in one place: name, kind, labels, and what it says.

Each part has a process of its own, so the default registry holds that part's figures only. Hot
loops count in plain integers and copy them here when a scrape comes.
"""

from prometheus_client import Counter, Gauge

FEED_SUBSCRIBERS = Gauge("stentor_feed_subscribers", "Subscribers of this part's feed")
FEED_CUT_OFF = Counter("stentor_feed_cut_off", "Subscribers cut off because their queue was full")
