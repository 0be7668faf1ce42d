"""The metadata's regular expressions, which are over digits only, as automata.

A pattern becomes a small graph (states, steps on digits, empty steps) for the tables that are built here, and a short program for
the few patterns that are tried at run time.
"""

import re._constants as c
import re._parser as parser

DIGITS = (1 << 10) - 1


def mask_of(item):
    """The digits that one item of a pattern takes, as a set of bits."""
    operator, value = item
    if operator is c.LITERAL:
        return 1 << int(chr(value))
    if operator is c.RANGE:
        low, high = value
        return sum(1 << int(chr(code)) for code in range(low, high + 1))
    if operator is c.CATEGORY and value is c.CATEGORY_DIGIT:
        return DIGITS
    raise ValueError(f"not a digit: {item}")


def set_of(items):
    if items and items[0][0] is c.NEGATE:
        raise ValueError("a class that is negated")
    mask = 0
    for item in items:
        mask |= mask_of(item)
    return mask


class Graph:
    """Patterns joined into one graph without empty steps on the way out: `closure` takes them."""

    def __init__(self):
        self.steps = []  # state -> [(mask, state)]
        self.empty = []  # state -> [state]
        self.ends = {}  # state -> what ends there

    def state(self):
        self.steps.append([])
        self.empty.append([])
        return len(self.steps) - 1

    def add(self, pattern, end, open_ended=False):
        """Adds a pattern and returns its first state. Open-ended: anything may follow."""
        first = self.state()
        last = self._sequence(list(parser.parse(pattern)), first)
        if open_ended:
            self.steps[last].append((DIGITS, last))
        self.ends[last] = end
        return first

    def _sequence(self, items, state):
        for item in items:
            state = self._item(item, state)
        return state

    def _item(self, item, state):
        operator, value = item
        if operator is c.LITERAL or operator is c.CATEGORY:
            return self._step(mask_of(item), state)
        if operator is c.IN:
            return self._step(set_of(value), state)
        if operator is c.SUBPATTERN:
            return self._sequence(list(value[-1]), state)
        if operator is c.BRANCH:
            after = self.state()
            for branch in value[1]:
                self.empty[self._sequence(list(branch), self._fork(state))].append(after)
            return after
        if operator is c.MAX_REPEAT:
            least, most, inner = value
            if most is c.MAXREPEAT:
                raise ValueError("a repetition without an end")
            for _ in range(least):
                state = self._sequence(list(inner), state)
            after = self.state()
            for _ in range(most - least):
                self.empty[state].append(after)
                state = self._sequence(list(inner), self._fork(state))
            self.empty[state].append(after)
            return after
        raise ValueError(f"unknown part of a pattern: {item}")

    def _fork(self, state):
        fresh = self.state()
        self.empty[state].append(fresh)
        return fresh

    def _step(self, mask, state):
        fresh = self.state()
        self.steps[state].append((mask, fresh))
        return fresh

    def closure(self, states):
        seen, waiting = set(states), list(states)
        while waiting:
            for state in self.empty[waiting.pop()]:
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
        # A state without steps and without an end says nothing, and would only tell equal sets apart.
        return frozenset(s for s in seen if self.steps[s] or s in self.ends)

    def follow(self, states, digit):
        bit = 1 << digit
        return self.closure({after for state in states for mask, after in self.steps[state] if mask & bit})


# The program that tries a pattern at run time; `crates/numbers/src/pattern.rs` runs it.
DIGIT, SPLIT, JUMP, SAVE, END, DONE = range(6)


def program(pattern):
    """How many groups there are, then instructions of three bytes: what, and a number. A split prefers the next instruction."""
    out, groups = [], 0

    def emit(what, number=0):
        out.append([what, number])
        return len(out) - 1

    def items(sequence):
        nonlocal groups
        for operator, value in sequence:
            if operator is c.LITERAL or operator is c.CATEGORY:
                emit(DIGIT, mask_of((operator, value)))
            elif operator is c.IN:
                emit(DIGIT, set_of(value))
            elif operator is c.AT and value is c.AT_END:
                emit(END)
            elif operator is c.SUBPATTERN:
                group, inner = value[0], value[-1]
                groups = max(groups, group or 0)
                if group:
                    emit(SAVE, 2 * group)
                items(inner)
                if group:
                    emit(SAVE, 2 * group + 1)
            elif operator is c.BRANCH:
                jumps = []
                for branch in value[1][:-1]:
                    split = emit(SPLIT)
                    items(branch)
                    jumps.append(emit(JUMP))
                    out[split][1] = len(out)
                items(value[1][-1])
                for jump in jumps:
                    out[jump][1] = len(out)
            elif operator is c.MAX_REPEAT:
                least, most, inner = value
                for _ in range(least):
                    items(inner)
                splits = []
                for _ in range(most - least):
                    splits.append(emit(SPLIT))
                    items(inner)
                for split in splits:
                    out[split][1] = len(out)
            else:
                raise ValueError(f"unknown part of a pattern: {operator}")

    items(list(parser.parse(pattern)))
    emit(DONE)
    return bytes([groups]) + b"".join(bytes([what]) + number.to_bytes(2, "little") for what, number in out)
