import { Dataset, Rest } from '../../../../sdk/index.js'

// Saves a CSV file as a dataset.

const [, , url, key, file, name] = process.argv
const table = await Dataset.fromCsv(file!)
await table.save(new Rest(url!, key!), name!)
await table.close()
