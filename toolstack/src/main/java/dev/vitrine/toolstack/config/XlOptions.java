// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The options that xl's domain configuration knows (xl.cfg(5), Xen 4.20 to 4.22), and what Vitrine
 * makes of each.
 */
public final class XlOptions {
    /** What Vitrine makes of an option. */
    public enum Support {
        /** The option has its effect. */
        SUPPORTED,
        /** xl knows the option; Vitrine does not do it yet and says so in a warning. */
        NOT_YET
    }

    private static final String SUPPORTED =
            """
            name type builder kernel ramdisk cmdline root extra memory maxmem vcpus maxvcpus
            on_poweroff on_reboot on_watchdog on_crash on_soft_reset
            """;

    private static final String NOT_YET =
            """
            uuid seclabel init_seclabel pool cpus cpus_soft cpu_weight cap period slice latency
            extratime vnuma max_grant_frames max_maptrack_frames max_grant_version
            max_event_channels nomigrate driver_domain device_tree passthrough
            xend_suspend_evtchn_compat vmtrace_buf_kb vpmu xenstore_feature_mask xenstore_quota
            firmware firmware_override pvshim pvshim_path pvshim_cmdline pvshim_extra
            bootloader bootloader_args bootloader_restrict bootloader_user e820_host
            disk vif vif2 vtpm p9 pvcalls vfb vkb channel rdm rdm_mem_boundary usbctrl usbdev pci
            pci_permissive pci_msitranslate pci_seize pci_power_mgmt gfx_passthru dtdev ioports
            iomem irqs vdispl vsnd virtio
            boot hdtype hap oos shadow_memory bios bios_path_override pae acpi acpi_s3 acpi_s4
            acpi_laptop_slate apic nx hpet altp2m altp2mhvm altp2m_count nestedhvm cpuid
            acpi_firmware smbios_firmware smbios ms_vm_genid tsc_mode localtime rtc_timeoffset
            vpt_align timer_mode mmio_hole xen_platform_pci xen_platform_pci_bar_uc viridian
            hvm_pirq mca_caps msr_relaxed
            videoram stdvga vga vnc vnclisten vncdisplay vncunused vncpasswd vncviewer keymap sdl
            opengl display xauthority nographic spice spicehost spiceport spicetls_port
            spicedisable_ticketing spicepasswd spiceagent_mouse spicevdagent
            spice_clipboard_sharing spiceusbredirection spice_image_compression
            spice_streaming_video serial soundhw vkb_device usb usbversion usbdevice
            vendor_device device_model device_model_version device_model_override
            device_model_user device_model_args device_model_args_pv device_model_args_hvm
            device_model_stubdomain_override device_model_stubdomain_seclabel stubdomain_kernel
            stubdomain_cmdline stubdomain_ramdisk stubdomain_memory dm_restrict colo
            gic_version vuart sve llc_colors nr_spis tee trap_unmapped_accesses arm_sci
            """;

    private static final Map<String, Support> TABLE = table();

    private XlOptions() {}

    /** What Vitrine makes of {@code name}, or null if xl does not know it either. */
    public static @Nullable Support find(String name) {
        return TABLE.get(name);
    }

    /** All names, sorted. */
    public static List<String> names() {
        return TABLE.keySet().stream().sorted().toList();
    }

    /** The known option whose name is nearest to {@code name}, or null if none is near. */
    static @Nullable String nearest(String name) {
        String best = null;
        int bestDistance = 3;
        for (String known : names()) {
            int distance = distance(name, known, bestDistance);
            if (distance < bestDistance && distance < known.length() / 2) {
                bestDistance = distance;
                best = known;
            }
        }
        return best;
    }

    private static Map<String, Support> table() {
        Map<String, Support> table = new HashMap<>();
        for (String name : SUPPORTED.split("\\s+")) {
            table.put(name, Support.SUPPORTED);
        }
        for (String name : NOT_YET.split("\\s+")) {
            table.put(name, Support.NOT_YET);
        }
        return Map.copyOf(table);
    }

    /** Levenshtein's distance, or {@code limit} if it is not below that. */
    private static int distance(String a, String b, int limit) {
        if (Math.abs(a.length() - b.length()) >= limit) {
            return limit;
        }
        int[] row = new int[b.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return Math.min(row[b.length()], limit);
    }
}
