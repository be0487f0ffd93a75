const DELIMITERS = /[\t\u0020-\u002f\u003b-\u0040\u005b-\u0060\u007b-\u007e]+/
const TIME = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)/
const DAY = /^(\d{1,2})(?!\d)/
const YEAR = /^(\d{2,4})(?!\d)/
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** Reads the date of an `Expires` attribute as browsers do, in any order of its parts (RFC 6265bis, 5.1.1). */
export function parseCookieDate(text: string): number | undefined {
  let time: RegExpExecArray | undefined
  let day: number | undefined
  let month: number | undefined
  let year: number | undefined
  for (const part of text.split(DELIMITERS)) {
    const timeHere = time ? null : TIME.exec(part)
    const dayHere = day === undefined ? DAY.exec(part) : null
    const monthHere = month === undefined ? MONTHS.indexOf(part.slice(0, 3).toLowerCase()) : -1
    const yearHere = year === undefined ? YEAR.exec(part) : null
    if (timeHere) time = timeHere
    else if (dayHere) day = Number(dayHere[1])
    else if (monthHere !== -1) month = monthHere
    else if (yearHere) year = toFullYear(Number(yearHere[1]))
  }
  if (!time || day === undefined || month === undefined || year === undefined) return undefined
  const [hours, minutes, seconds] = [Number(time[1]), Number(time[2]), Number(time[3])]
  if (day < 1 || day > 31 || year < 1601 || hours > 23 || minutes > 59 || seconds > 59) return undefined
  const instant = new Date(Date.UTC(year, month, day, hours, minutes, seconds))
  // 31 February is no date.
  return instant.getUTCDate() === day ? instant.getTime() : undefined
}

function toFullYear(year: number): number {
  if (year >= 70 && year <= 99) return year + 1900
  return year <= 69 ? year + 2000 : year
}
