// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/**
 * An event, with when, where and by whom.
 *
 * @param sequence number in the order in which events are told, from 0
 * @param time the domain's clock, ns since its start
 * @param vcpu number of the processor in Linux; -1 if it is not known
 * @param cr3 CR3 in the kernel
 * @param task the thread that was executing
 * @param event what happened
 */
public record TracedEvent(long sequence, long time, int vcpu, long cr3, Task task, Event event) {}
