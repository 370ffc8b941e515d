// MachineProfiles
