import { Dataset, Rest } from '../../../../sdk/index.js'

// Saves a CSV file as a dataset. What it leaves where it is killed is in the directory given.

const [, , url, key, file, name, temporaryDirectory] = process.argv
const table = await Dataset.fromCsv(file!, { temporaryDirectory: temporaryDirectory! })
await table.save(new Rest(url!, key!), name!)
await table.close()
