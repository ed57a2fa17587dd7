# Copyright 2026 The Vitrine authors
# SPDX-License-Identifier: Apache-2.0
#
# What Python's own interpreter does all day: calls, attributes, dictionaries, lists, strings, numbers.
# Runs ROUNDS times and prints "python SECONDS CHECKSUM" of the last.
#
#   python3 python.py ROUNDS
import sys
import time


class Account:
    def __init__(self, owner, balance):
        self.owner = owner
        self.balance = balance
        self.history = []

    def transfer(self, other, amount):
        if amount > self.balance:
            return False
        self.balance -= amount
        other.balance += amount
        self.history.append((other.owner, amount))
        return True


def accounts(count, transfers):
    all_accounts = [Account("owner%d" % i, 1000 + i) for i in range(count)]
    state = 12345
    refused = 0
    for _ in range(transfers):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        source = all_accounts[state % count]
        target = all_accounts[(state >> 8) % count]
        if not source.transfer(target, state % 700):
            refused += 1
    return refused + sum(len(a.history) * a.balance for a in all_accounts)


def words(count):
    text = " ".join("word%d" % (i * i % 997) for i in range(count))
    counts = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return sum(n * len(word) * (i % 7) for i, (word, n) in enumerate(ranked))


def numbers(count):
    total = 0.0
    primes = [n for n in range(2, count) if all(n % d for d in range(2, int(n**0.5) + 1))]
    for p in primes:
        total += 1.0 / p
    return sum(primes) + int(total * 1e9) + pow(3, 5 * count, 10**60 + 7) % 1000003


def generated(count):
    def pairs(n):
        for i in range(n):
            yield i, (i * 7919) % n

    return sum(a ^ b for a, b in pairs(count) if a < b)


def work():
    return accounts(100, 30000) * 31 + words(20000) * 17 + numbers(5000) * 7 + generated(60000)


seconds = result = 0
for _ in range(int(sys.argv[1])):
    begin = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begin
print("python %.6f %x" % (seconds, result))
