/** The books. All of them, and all who wrote them, are invented. Over 350 lines because it is a table. */

export type Motif =
  | 'sea'
  | 'night'
  | 'garden'
  | 'tiles'
  | 'hills'
  | 'rays'
  | 'contours'
  | 'spines'
  | 'window'
  | 'fruit'
  | 'birds'
  | 'rain'

export type PaletteName = 'oxblood' | 'ochre' | 'forest' | 'teal' | 'ink' | 'clay' | 'sage' | 'plum' | 'paper'

export interface Book {
  readonly id: string
  readonly title: string
  readonly author: string
  readonly year: number
  readonly pages: number
  /** In cents, so that sums stay exact. */
  readonly price: number
  readonly blurb: string
  readonly motif: Motif
  readonly palette: PaletteName
}

export interface Shelf {
  readonly name: string
  readonly about: string
  readonly books: readonly Book[]
}

type Line = readonly [
  title: string,
  author: string,
  year: number,
  pages: number,
  price: number,
  Motif,
  PaletteName,
  blurb: string,
]

function shelf(name: string, about: string, firstNumber: number, lines: readonly Line[]): Shelf {
  const books = lines.map(([title, author, year, pages, price, motif, palette, blurb], index) => {
    return { id: `b${firstNumber + index}`, title, author, year, pages, price, motif, palette, blurb }
  })
  return { name, about, books }
}

export const shelves: readonly Shelf[] = [
  shelf('Harbours & weather', 'For those who read with one eye on the tide.', 1, [
    [
      'The Lamp at Saint Orrin',
      'Maren Tollevik',
      1962,
      214,
      1450,
      'sea',
      'ink',
      'A keeper writes one letter a week to whoever lit the lamp before him. In the third winter, somebody answers.',
    ],
    [
      'Small Craft Warning',
      'Idris Penhallow',
      1987,
      306,
      1690,
      'rays',
      'clay',
      'Four brothers, one boat, and a forecast that each of them hears differently.',
    ],
    [
      'Salt, in Nine Letters',
      'Oona Haldane',
      2009,
      188,
      1290,
      'tiles',
      'teal',
      'A crossword setter inherits a chandlery and finds that every shelf is a clue.',
    ],
    [
      'What the Fog Kept',
      'Tomas Árvay',
      1974,
      262,
      1390,
      'contours',
      'sage',
      'The ferry is two hours late. Nobody on board agrees on what day it is when it lands.',
    ],
    [
      'Low Water',
      'Bea Lindqvist',
      2016,
      240,
      1550,
      'birds',
      'ochre',
      'Once a year the sands dry out as far as the drowned church, and the village walks to Mass.',
    ],
    [
      'An Atlas of Puddles',
      'Wren Okafor',
      2021,
      128,
      1890,
      'rain',
      'paper',
      'Street by street, after rain: a small geography of what a town reflects.',
    ],
    [
      'The Tidewaiter',
      'Josiah Fenn',
      1931,
      352,
      1190,
      'sea',
      'forest',
      'A customs clerk who has never left the quay is asked to describe the far side of the world.',
    ],
    [
      'Northerly, Later',
      'Sunniva Rask',
      2018,
      276,
      1590,
      'hills',
      'plum',
      'The voice that has read the shipping forecast for thirty years loses its words, and finds others.',
    ],
  ]),
  shelf('Kitchens & gardens', 'Slow books, best read with something on the stove.', 9, [
    [
      'The Patience of Bread',
      'Amadou Keller',
      1999,
      198,
      1490,
      'fruit',
      'ochre',
      'A baker counts his marriage in loaves, and arrives at a number that does not come out.',
    ],
    [
      'Quince',
      'Ilse Moravec',
      2012,
      160,
      1250,
      'fruit',
      'forest',
      'One tree, five owners of the wall it leans on, and a recipe that none of them has entire.',
    ],
    [
      'A Key to the Kitchen Garden',
      'Dorothea Vane',
      1948,
      324,
      1750,
      'garden',
      'sage',
      'Half a gardening manual, half a confession. Nobody has settled which half is which.',
    ],
    [
      'Three Spoons',
      'Hana Ibarra',
      2005,
      232,
      1390,
      'spines',
      'clay',
      'Her grandmother left her three spoons and no instructions. They turn out to be instructions.',
    ],
    [
      'Nettle Weather',
      'Rhoswen Pryce',
      2014,
      208,
      1320,
      'garden',
      'plum',
      'A spring in which everything that stings is good for you.',
    ],
    [
      'The Orchard Ledger',
      'Casper Blyth',
      1956,
      290,
      1580,
      'tiles',
      'oxblood',
      'Apples in one column, debts in the other; a novel written entirely in the margins between.',
    ],
    [
      'Supper for the Absent',
      'Noor El-Amin',
      2019,
      254,
      1620,
      'window',
      'teal',
      'She lays a place each night for somebody different, and slowly they begin to come.',
    ],
    [
      'How to Keep Bees Badly',
      'Ansel Whitlock',
      2008,
      176,
      1440,
      'rays',
      'paper',
      'An honest handbook. It contains eleven good pieces of advice and the author took none of them.',
    ],
  ]),
  shelf('The small hours', 'To be kept by the bed, and finished by the window.', 17, [
    [
      'Night Bus, Upper Deck',
      'Lucian Abara',
      2017,
      222,
      1480,
      'night',
      'ink',
      'The same route, the same seat, forty nights. The passengers start to save it for each other.',
    ],
    [
      'The Clock Mender’s Insomnia',
      'Petra Vondráček',
      1968,
      310,
      1560,
      'contours',
      'oxblood',
      'Every clock in his shop is right except at ten past three, when they all disagree.',
    ],
    [
      'Lullabies for Grown Men',
      'Emrys Cole',
      2011,
      144,
      1150,
      'hills',
      'teal',
      'Thirty-one poems, each shorter than the one before. The last is a breath.',
    ],
    [
      'A Light Under the Door',
      'Saoirse Quill',
      1993,
      268,
      1520,
      'window',
      'ochre',
      'In the boarding house on Marl Street somebody reads aloud all night. Nobody admits to it.',
    ],
    [
      'Moth Hour',
      'Ingrid Sala',
      2020,
      196,
      1690,
      'night',
      'plum',
      'A lepidopterist and a night nurse share a kitchen, a kettle and never the same day.',
    ],
    [
      'The Sleeper to Varna',
      'Dimitar Halloran',
      1959,
      338,
      1390,
      'spines',
      'ink',
      'Six compartments, one missing ticket, and a conductor with a weakness for endings.',
    ],
    [
      'Unsent',
      'Marguerite Oyelaran',
      2015,
      180,
      1280,
      'rain',
      'clay',
      'A postmistress opens the drawer where letters without addresses have waited since the war.',
    ],
    [
      'Owls, an Interruption',
      'Basil Thornquist',
      2003,
      152,
      1340,
      'birds',
      'forest',
      'He moved to the country to write. They had other plans, and a better sense of rhythm.',
    ],
  ]),
  shelf('Maps & strangers', 'For people who are only passing through.', 25, [
    [
      'The Cartographer’s Second Wife',
      'Leonie Strand',
      1981,
      372,
      1720,
      'contours',
      'teal',
      'She finds her own house on one of his maps, on a coast that does not exist.',
    ],
    [
      'Customs of the Country Next Door',
      'Farid Belhaj',
      2010,
      246,
      1460,
      'tiles',
      'ochre',
      'Two villages, one hedge, and a border commission that stays for lunch.',
    ],
    [
      'Left Luggage',
      'Viola Maddern',
      1972,
      204,
      1190,
      'spines',
      'sage',
      'After forty years behind the counter he opens one case. Just the one.',
    ],
    [
      'A Room With No East',
      'Kazimir Doyle',
      2007,
      298,
      1540,
      'window',
      'oxblood',
      'An innkeeper rents the same room to pilgrims of every faith, and turns the bed.',
    ],
    [
      'Slow Train, Long Shadow',
      'Esther Naim',
      2013,
      226,
      1380,
      'hills',
      'clay',
      'A surveyor walks the line she is about to close, station by station.',
    ],
    [
      'The Interpreter’s Silence',
      'Anselm Okonjo',
      1996,
      284,
      1610,
      'birds',
      'ink',
      'He translated every word of the treaty except one. Everybody is still waiting for it.',
    ],
    [
      'Stay a While',
      'Pilar Ostrander',
      2022,
      212,
      1650,
      'rays',
      'forest',
      'A hotel guest extends by a night, and by a night, until the staff begin to ask him things.',
    ],
    [
      'Sojourn',
      'Anna Feld',
      2024,
      168,
      1490,
      'night',
      'oxblood',
      'A year in a borrowed flat: what she was given to use, what she gave back, and what nobody could ask for again.',
    ],
  ]),
]

const books: ReadonlyMap<string, Book> = new Map(shelves.flatMap((one) => one.books).map((book) => [book.id, book]))

/** Ids a basket accepts, listed or not. It lets `constructor` through and keeps `__proto__` out: look things up by own keys only. */
export const ITEM_ID = /^[a-z0-9][a-z0-9-]{0,39}$/i

export function findBook(id: string): Book | undefined {
  return books.get(id)
}

export function shelfOf(book: Book): Shelf | undefined {
  return shelves.find((one) => one.books.includes(book))
}
