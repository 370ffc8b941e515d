/* machine profiles, embedded */
