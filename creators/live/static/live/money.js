// Amounts of money as the reader writes them.

const language = document.documentElement.lang || undefined;
const formats = new Map();

// Amounts are whole minor units; how many decimals they stand for, the currency says.
export function money(minor, currency) {
  let format = formats.get(currency);
  if (format === undefined) {
    format = new Intl.NumberFormat(language, { style: "currency", currency });
    formats.set(currency, format);
  }
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}
