#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Command } from 'commander';

// By its own name, because the way to package.json differs between scripts/ and dist/scripts/.
const { name, version, description } = createRequire(import.meta.url)('dirtymem/package.json');

const program = new Command(name).description(description).version(version);

await program.parseAsync();
