"""Acyclic automata over digits: equal states are kept once, and written so that a step reads a few bytes."""


class Automaton:
    """States with a label (0 for none) and ten ways on (0 for none). State 0 is nowhere."""

    def __init__(self):
        self.states = [None]
        self.known = {}

    def state(self, label, ways):
        ways = tuple(ways)
        if not label and not any(ways):
            return 0
        key = (label, ways)
        found = self.known.get(key)
        if found is None:
            found = len(self.states)
            self.states.append(key)
            self.known[key] = found
        return found

    def of_words(self, words):
        """An automaton of a dictionary from digits to labels; returns its first state."""
        trie = {}
        for word, label in words.items():
            node = trie
            for digit in word:
                node = node.setdefault(int(digit), {})
            node[-1] = label

        def visit(node):
            return self.state(node.get(-1, 0), [visit(node[d]) if d in node else 0 for d in range(10)])

        return visit(trie)

    def written(self, first):
        """The bytes, beginning with the first state's place.

        A state: a byte of flags and, where ways are many, which digits begin a run of equal ways. Places are counted in bytes,
        and a way stands as the distance back to where it leads, because what it leads to is written before.
        """
        order, place, out = [], {0: 0}, bytearray(b"\0\0\0\0")
        seen, stack = {0}, [(first, False)]
        while stack:
            state, done = stack.pop()
            if done:
                order.append(state)
                continue
            if state in seen:
                continue
            seen.add(state)
            stack.append((state, True))
            stack.extend((way, False) for way in reversed(self.states[state][1]) if way not in seen)
        for state in order:
            place[state] = len(out)
            label, ways = self.states[state]
            out += encode(label, [place[way] for way in ways], len(out))
        out[0:4] = place[first].to_bytes(4, "little")
        return bytes(out)


LABEL_SHORT, LABEL_LONG = 1, 2


def encode(label, ways, here):
    """One state: a 16-bit head (bits 0–9: a run of equal ways begins at this digit; bits 10–11: bytes of the label; bits 12–13:
    bytes of each way, less one), the label, and for each run the distance back, 0 for nowhere."""
    runs, starts = [], 0
    for digit, way in enumerate(ways):
        if digit == 0 or way != ways[digit - 1]:
            starts |= 1 << digit
            runs.append(0 if way == 0 else here - way)
    width = max((max(run.bit_length(), 1) + 7) // 8 for run in runs)
    size = (label.bit_length() + 7) // 8
    head = starts | size << 10 | (width - 1) << 12
    body = b"".join(run.to_bytes(width, "little") for run in runs)
    return head.to_bytes(2, "little") + label.to_bytes(size, "little") + body
