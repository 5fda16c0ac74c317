"""The ward board: what the compacted topics say, kept in memory and pushed to browsers.

`board_follower.py` follows the topics, `state.py` is what they say, `live.py` encodes it once,
`hub.py` hands it to viewers.
"""
