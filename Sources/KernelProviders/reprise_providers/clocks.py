"""Clocks and the driver's version through NVML; all unknown where it is missing."""

try:
    import pynvml
except ImportError:
    pynvml = None


class Clocks:
    """NVML's view of torch's first GPU."""

    def __init__(self, properties):
        self.handle = None
        if pynvml is None:
            return
        try:
            pynvml.nvmlInit()
            bus = (
                f"{properties.pci_domain_id:08x}:{properties.pci_bus_id:02x}"
                f":{properties.pci_device_id:02x}.0"
            )
            self.handle = pynvml.nvmlDeviceGetHandleByPciBusId(bus.encode())
        except (pynvml.NVMLError, AttributeError):
            self.handle = None

    def driver_version(self):
        """Such as `580.159.04`; None where NVML is missing."""
        if self.handle is None:
            return None
        version = pynvml.nvmlSystemGetDriverVersion()
        return version.decode() if isinstance(version, bytes) else version

    def reading(self):
        """(SM clock in MHz, memory clock in MHz, throttle reasons), or None."""
        if self.handle is None:
            return None
        try:
            return (
                pynvml.nvmlDeviceGetClockInfo(self.handle, pynvml.NVML_CLOCK_SM),
                pynvml.nvmlDeviceGetClockInfo(self.handle, pynvml.NVML_CLOCK_MEM),
                pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(self.handle),
            )
        except pynvml.NVMLError:
            return None
