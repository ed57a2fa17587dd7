// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Domains, vCPUs, schedulers, hypercalls, event channels and grants.
 *
 * <p><b>Threads.</b> Physical CPUs are threads that run vCPUs; everything that a guest does happens
 * on one of them, back ends' listeners included. Other threads notify ports, read and write guest
 * memory, pause and stop.
 *
 * <p><b>Locks</b>, each taken only while holding none but those before it:
 *
 * <ol>
 *   <li>a domain's life lock, its jump lock and its watchdogs;
 *   <li>the monitors of {@link dev.vitrine.hypervisor.EventChannels}, the one of the domain with
 *       the smaller id first;
 *   <li>the monitor of a grant table;
 *   <li>the monitor of a guest area, then that of the domain's memory accounts;
 *   <li>a vCPU's lock;
 *   <li>the local APIC's monitor (its timer);
 *   <li>the scheduler's and the timer queue's own.
 * </ol>
 *
 * <p>None of them is held while the physical map changes (a change waits for all processors of the
 * domain), while a listener or a timer's handler runs, or while a thread waits for a vCPU to stop.
 */
@NullMarked
package dev.vitrine.hypervisor;

import org.jspecify.annotations.NullMarked;
