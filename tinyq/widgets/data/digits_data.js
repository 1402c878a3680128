/* The trained digits network and some of its scans, by tools/widget_data.py: do not edit.

   Scans and labels: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, 1998, UCI
   Machine Learning Repository, doi.org/10.24432/C50P49, CC BY 4.0: its test set, as scikit-learn
   ships it. Split and weights: tools/train_digits.py, MIT.

   load() gives { net, wideNet, ranges, wideRanges, images, scans, labels }: float networks for
   block.js, the ranges of a calibration on 200 scans, test images (N, 16, 16, 3). */
(() => {
  const ui = (globalThis.tinyqWidgets ??= {});
  const data = {
    "weights": {"stem": {"shape": [8, 7, 7, 3], "base64":
    ["ElPfPVgnEj6i6hE+OU6wvcOk7L166vS9rRr8vca/hb2LruK9k72PPX7G7T2wEQI+ibxdPawKYj3PC/49Xft0PNuZQzzN",
    "M0M96T65PctBhD2sX+w8RXVhPhzcUz4FaEc+uLMLPf/vdD35+2W8aQx/PaZ68jwl8xQ8tak7vuF+Eb4IOzK+LRlEvgrJ",
    "Sb7spDa+FdzEvSyT2b3Kjui9QB8HvmoDLL5THgS+J6xHPgRgWj7fDCA+IhVFPSer7TyjuKo8dK06PXtiST25o+g8hzBE",
    "vtH6HL7YqhO+h6g8vjoFSb6BtCq+xl8qvhyOBL4WGxO+zzADvniz/700Y+q9h2FxPcploT1jF7s94M8xPkGhBT4dzTA+",
    "uP4qPkakFD6LWRM+xiYgPtYH1T3FkAg+BxgBPt8nzz2iZQM+NnMdPUU9Vj1uNSc9KLz+PI/oJz0VdP875abdPV8etz1+",
    "e5A9qkMYPg72HD4xQT4+5/FKPhw7CD7duSM+SqsaPjo6Bj5KwBI+dNzaPZcLIz62L+49s5MvPYJbFD27lFo9NBJiPReT",
    "WrzM8pU83FFEvvX/ML6V9DW+j3kau+6bcDyTi9s8a3QkPQlwHD05czU8840kPW2qzDyRnCM9+juZPLPloLxo1zE7J78H",
    "Ptssqj21ixY+6VAZPrlVBz4GpuE92eQJvvCfGb7w2Cm+nMhDvOmIEj2DRdQ8Aq1RuxYmJT1RHsW8LFUqPaMkMT2aHII8",
    "+M/yPGg1B7waAfQ8GZTQPU/Gpz3eTAs+NhvbPYAlDz64l/g9pq/ovJno6rxHL6A8SfJwPmT+az6+Rzg+gzhwPnDagT5d",
    "MFY+YtKgvodUsL4P4aa+HGeGvuhJgL6xDYy+OEGlvvRkpr7Gppm+zh6Kvuyuhb4MUYi+zDiFPYY8+D2aYRY96WRAvsOV",
    "Qr7etzS+cS5Yvst+Jr71p1m+HDdgPS73Rr3GXSu9HR1gPBA0ljvLzOo8UIokPoaEQj7Y2CI+1UAXPpGSPj6GFQo+tkN5",
    "PW1Fzz3j/3I9buJVvp8DLL4upOS9JIAbvjDeP74RmyC+vl0bvbO1Zj1XHMo85waMvJuQ0jyNtIk979Q+PpruNT4Y7lo+",
    "9RFTPmzgPT5dgBM+dDUavWpAEb3L9TY8GiucvckluLxUIJi8kHAjPagbGz10CoK94cCGPlJ4kT5N+Yk+TDeMPiGSMD6y",
    "EWU+bZD5uyPSQb1qQzW7vbkTvE6NYrzFT408KzBUvPS/d7sE/uc86Etku6JoSL2+Dtm8lqOGvLwCOjwdWMu8kUJNPqNY",
    "Nj6aRYM+/GmRPuBhZT42eHc+NGT8PBw7KT1vGAA9KDQOu81tQ7xolno95dbxvZ2hqb3Kr669H/N2PVBx0T2JAwg+aOSM",
    "PX7+CT6M1h49aYOWvTE8Tr1dlmC9+IZBveKYfr05cDa97/QrvrNUI7653lm+ht0MviYtVb5xkl2+aVLZvY2aur2ScKy9",
    "L6ScPYPtFz6Clac9e+3tPfYaTD2CZwI+X560u5U+Er0DbrS9iazovbBhrL2qkXS8TogbvgtTDb6uyza+RdUBvtLuBr4l",
    "AxK+2Eo7PqBXkj2RifI9kWYpPWUiULyrZkc8lFilvImMGD2i1FY9IBQePukbgT3VRr09AsASPoXiGj5Ja9A9EAQRvCqG",
    "jT1SO8A91gW7PalYADx+8Ww81+1Vvk0+Yb5lSnK+Bdrvu9HsMb1KlIG9PPxpPbeTuTyp6iW9an8VvZ2MC701oyS9iE8E",
    "vblMpL0cLr69QI09Peu06zxQRsY9H9CKPbHrrT3j05k80lp2vrHwpL62x2a+Ta5vvbdVSD3pRge8PFfuvK7v/rzf1H88",
    "Q3afvbAoW70KMBg7IFQvvch7rb04yIq9Op2SPcaLmLpPkzw9nQg/PKop37vceXI9ulygvNoTcryB7zy9vRxbPY/yLT6u",
    "WDc+qPURPgJjDj7ty1g9RSsUPs8nIT6h1089Q6OqPXjJZz1MSMU9hsFdvj/JnL5iQJi+kNeGvlngRr72UZC+ddeavVbt",
    "v7wtlbo83n5jPbVXHT6ONe89KeNqPebzFT7HGC8+v3//PQNO+D1oPCI+/UDsPQY6mD26/w8+Fwybvg7RR756llC+ukSG",
    "vkMuiL7UwZa+25AqPnTfzz1KdM4959iVvopNir4cxqW++c2EvoA/rr7JrKm+MbiUPjuNdz6PPHw+P1KJPlSClD7eX3w+",
    "OpdsPbCjrzmeetg8XQ+KPb4pGjsjX1q8WqwEPmZfIz6Bvyw+P4ikvrPKnL6RrrW+ez6mvrzGlL5Nkaq+RTR0PmkmYT5j",
    "V04+H/h3Pg2glD7MwYs+nUMtPdklhT2r2bY9CuRsvNvl1zxiS4Y9yae8Pam6Uj18eW49Xc+oPZElvj0K0K89A2mQPYum",
    "rT0VMNc9zJ5qva1Fhr0WwE29WAJKvS3per13VUi9/1fFPbdajD0BEc496XnaPV1joD325fQ92F/aPbS+3T1taQk+TZvJ",
    "OyIj4rw1sVE8P2wfvAGjjbwOdJy8+xUqPH4AeDu+voc8qwoSvHpXnDxGBoI8TOcvPv+tFD5avhw+64gsPgNELj4tOyY+",
    "ItABPgIR+j3Rjtc9AyrXvC7ADbzRZJS7iFOnO11bLLztQgo8sFahPFTRXTyJH6C8JBiePPGBuzziRxg8eYUhPpZGJz4d",
    "MBU+L9QiPliFCz4g3ho+7VLMPe3/mj259IY9tQ0AvHPk57x9W5u8hrCuu8RtAb2KX9g6ON0YPnOfBz5x0fk9g6/2PX1j",
    "CT4jgwE+31lQvF0i0zjTi388SM2NvNO9sbxH9oS7gsrIPRuYjT0txJo93wqZPNtePbvIUAW8QygGvT5wcruHmmG6l44R",
    "Pkz71T3g9wc+VKXbPd2Tzj09+gM+bdzRvFbAPbwBRk67ftHYvMuG+bt1Cw48qTDLvfA50L2ot9K9CIe9PSLvtT2PkZQ9",
    "B7rQPcgt0D0h2b49YsS+PH3XN7sRit68gcoKvFos+jvAt0K8v2elPMWqF7wWNvc8EQlJO29dyjslv/I7bLMOvkjP972j",
    "HAW+58zfPev61T1be9c9zrWiPftj6z2BypY9k2jjvE00jTxkkJI8VtyMu788XDwtsr28mnlLus4dyTwHBa087MMfPcQg",
    "Ej0t0xC8F7slPnoTGj5zthk+qvSHvek21719c4S9uSeovTNUkr1Obpm9hoXQPXkRiz0186Y9Hhe6PY8kWj1Jq8E920FD",
    "PsW+OT6Mckw+ZqlGPphgKD4P7Vc+EdeZPdwItz1mP7A9wKoEPH/lpbsyG+O8VkUYPeHjtLtAygW8qfh5PKiDPjw6tpI8",
    "hrc0PAJXCb3ikuA8SNGovWPURb0kE0u9l3VTvSwnqr06PLa9Zz3uPf8p1D1nA6k9jpZLvM52lbzp7Ee8c+O7vPERy7wQ",
    "3Hi8XJDuPH56KDvqEKS81qopPJBPozwWBhS8zZd8vez1W70fxRy9g/ayve67hr2TfB+9kiAjvhYJIr5bJkW+fXPRvebJ",
    "E75djOC9N0D9vXXJ+b3Sqva97O9xvdKFdb1Gw6C9fp/zvC0Cs7070pO9CqoRvJdOGT3ObyI8NAvTum918DxBVCK8e28h",
    "vi/IDr57iye+WVEfvkA1Br73meK9aXLdvXaoB76WrRK+nBAyvf0Idb1YEW+90q0DvdlbnL3bnUu9feVIPB6ZDDvEn5y8",
    "Gwl2PJF1vTxmDbS8y+sePVDYkjy/LR49tDqKPG3TmD3ZLig9IzpqPXUEjT0TJ1k92jYjPj9zJD6Tvg0+UlfpPaE1Dz4x",
    "yh8+2/9TPjdMTz4KDzw+S/NBPvbgUD4r8B4+r9dDu+eu77oMvQ89xX/FPE6vlj1n0W89dpFkPYPVujy1DJQ9+HsdPmXi",
    "ED56LyQ+RPYrPgIqKz7Ja/A9uXhJPiLCFz7e3zE+TxIsPiTLRj76bT0+Sr9LvIheNr0eMc88mV8Rvtc7yb3H3i6+oCEE",
    "vt7yCL5D1jO+HeZBvaHUSb0Lx269D6mSvWqSPr1+FNq9xwzDPLDNgj2LMnw9YlcDPb6fjjy8RDk9ik0yPpHuSj6dVU8+",
    "cebUPbPLZz1Pick9G/f+PcuDrD3cKKc93R+GPgj2Vj40Y4M+M8SHPmefez7tbWo+YMkfPnG7Xj5YyAc+jNIrPpYzTD4J",
    "hzw+KXwMPi25+D03ySc+O+r9PT0FpT1p3T49XwHIPdn/HD3ATZU9+faFPqWHgT7zjIE+zbVuPm+2OD4maDQ+d9M3Ppz1",
    "Pj4+ASQ+Vq5YPvl9Jj7dnE0+NFrDvZTjt73H2qG9cue7vS/fmL0HpDW9mRqdvel2o70WiaC8npy1vUQZ373xIrS9wqoI",
    "vsvmwb1OP6G9VUlcvoOXjb5ARn6+HBGJvjOyj77VUHu+z/6uvRJsoL2I62+9ypEcvWMRObt+C5a90sYnvS/lMr3EZH68",
    "z90Hvoayob19YMO9fQkjvkh4tr3bBJq95F9Kvq15bL6/91e+q42Ovkmuc75j3Ha+19PfvW89GL4fCRu+ls1tPWKwYT0+",
    "B+U97JHNPWh/aD0M8+091sCZvZTp/b29BRm+56YBvsVOob3hTgq+czIDPSYetzy7n1I8XOhJPYOCALvS6mk9BCczvgTp",
    "Rr7emhi+ix6aPfC5az0TfnA9bW3lPd2GOz1Fmv88rzAPvvhPx704pA++hukkvpn8nb1MrKG98NqhPQBtZD2sf228GYMf",
    "Pdpd+zs5WZ89dYYavRL0lL1FirK9g/FTvik2Pr4Ylze++YB2vr4kS7777kW+kyKGPjcdYz4ZpHQ+mJCAPpYNaT6NQ4k+",
    "u4EXvSfggr0HRwi9aiEQvanJh72WD169DkodvQ99WryPozu7x6h8PPGaJby4kAs9W40+PePQGT2l+Kg8UM8tPrdGOz5H",
    "XjU+8XU1Pi0/GD7IUTU+bP4HvaqVIL0Mm4y9jsYHvZY1iL2NSgC9NR+aOyL/07y8ikQ5ESsJOwx61Ty/koQ8XyRIPQ1S",
    "FLsncBw98V8ePpaILj6vAio+SZE2PsCPFD5qEjQ+4vlPvaiUg71RO6u9oZKxvR0RjL0yxaG9XUbpvHc6kL1Z4FW9Rzzo",
    "PctpCT6tvwk+Y5EJPvn2Bj58eBk+2xxuPIdEhjxkOUU8p+vruy6Gjbw91jO8X5AJvrws7L1g4+e9+NUOvuzmA77YJMm9",
    "lb6GvWOUBr3PE6u9ROcXPkqwCT47MuE95Bj+PX0EAT7KJck9IEO4vFNOVrvmT3S7u5bzPNMeBbjNJj88jsT/vWVX6b2X",
    "DAK+HRQCvtfvyb33mce988epPbi7fz0NBM09p+aEPTwvXT2CNDg9BpAqPV2BZz3GD2I8HPywPaRT3T1fat09v1qxPcih",
    "nz3BP9o9zCmFO4hsuzwxb7c8R/YXPVEYSzydrx07RjKFPVw6lj13lcI9mZYWPbZcez2Nj4I8pi18PVmNLDw5dX89WggL",
    "PkUKBz4VQuU9qNrSPa8xtT3Lm8c9PRY8Pfk9Hj0zKsk7dQkiPUXmMD2XMeo7ePJ9PmoSUD7ZNVM+jlMoPWr8Ez3/kCU9",
    "482FPevxhDvFSz09K1p9PdP5uT2lDkE9qJsrPa/2/zztVMk8MmVePrSNeD6PFI4+eciJPhfVWT6Jf1o+aTjfO3gdsbvR",
    "rLE7tbSHPaEp6z3fvec9/2BKPbzyij1FAIM9vqDUvVAVDb6WTfS9TgURvmp9Cb4u/a69Gm0SPsAOIj5BzA4+UaMYPrg0",
    "/z1szRg+JlemO9i3Qj34Raq7riT0PfxAyT1/k9A9V7CIPcaDmj0sPm49mtjBvTmaur1LzRe+WNG7ve4Qo71rJRi+6ekS",
    "PpSy8j1tTBI+KB3jPQ3fEj6v6/09s2/xO16fLT0TY7M8ret1vR/OPLzSIKS9Kf1VvLCkG7yoPqG9Yp8NvpTMA77bXQq+",
    "VKEUvsVLvr1Rdwe+mkIFPhV10T1qmIM9Tuj4PX4znz1QHv89cc4sPRuQxjzBqgc9fS6rvXvAa716/bG8Ofs/vYwOdL3l",
    "/1i9QPYkvpmVIr53zCK+ADEBvuEv3L1brhG+lxvuPRdZpz3M7v89pOeSPUkLDD4fRgI+XisYPqS6Ij7WEgE+oP6gvUU4",
    "171wL/G9vv8GvsV3+r2SVeW9tv6ZvQTECb5WG5+9UFf9veoRz72+pMa9h7orPTYEtDwHaLY8oxCJukJe0jzwRuG7/ocj",
    "PjeTyj1ZRRA+egoIvoHqsL2wPZa9I77XvV+tBr7Vo/e9T2/nvQTiC74LkOO9SAObvcCCCr59ywe+4B1zvF+aEz0ADOY8",
    "i87QvJPwbTw+sXk8"]}, "block1": {"shape": [8, 3, 3, 8], "base64":
    ["r6uOPf9GpL1G8yu9hU4FvsiGLD57/pw9J8fKvVpcojzwIPo99J0PvQ1ql73SwBO9sawVvV1/mL1Ywfm9xM5gPcBL+z2O",
    "9g29sGjrvVen4Ly3eFC9tyaivVrEqr3tPLC925eDvQfxHT2AlCC90sAyvTlkpT3RCoS9oxIzPa42wD0jt8w8wLdmPYx/",
    "jLxGChQ+FQ+KPU3nsD2pJtg97kSCvS2v9r0v/Sm9y6qUO880Eb1oOZe9XNeUPsRFq7wTc6+9R4YQvcg/BbsNiey8SMat",
    "vbHqgTwKcvM8o+2UPQMWPr1gA5c96f1tvTNnGLxfp7C9F9dlPbF0Jb04wwy8/iciPQlmyj0MXj69dE6cPZuOhb1sNcq9",
    "ya6lvOR94b3+USm9U4XpO0QP/z1znEa9gykFPW7KKD1ujhQ9KnzrvHQP9rrt24u9OKrCvcObCz5GD8I9IBC4PXxXo72l",
    "7O49aiutOxTEGb1t5t69VttBvG3f3TzMjxG+wHOCvlTvAz5eesG9WcCSPZRSq72+SNW8V2uXvcte8zySU4+8WAj1vZWf",
    "gD3tJ0+9NkyVvXjC8D0tCAY9WcPYPVkx2r0yYKA831mdPYD0nLw3QgK+dbkEvOaYkzwrGXE9QN5NvhVm4TwEpl29x3UN",
    "PU4xTL17i8894tBvvio+bzy4chg+7eEjvifU7b0KOlI8EQLTOqxGUr0XLqK9Mk+cPR3vCz3PJia+4pk+PfPqCD2oSj69",
    "UPOEvJxNRL2M2QY+4cftuw+PsbyD6Ra9OMpPvMkOKz5iqLa9gOVcvgexhLwpt8M9BvHTvfmvD71HPeg8Qh+iPZjgUz33",
    "PE47RiiwO7LCST0Rckq9KEwAPnoyFb0Gayo6OVdZveBKgz2gJ/+8IPDBPV80iD03Hs+7fJkTvWgqtj2uVq87dgcrvVws",
    "cL26t6497+G6vNIE0z0Or229XZJNvco4STwfRdM9HDIlu6qH0rpC9ic+53SFvUWHlD0QRQM+tzvPu8R7rz3Imt28Tpex",
    "vD7a8D2aTAi+3B0NvgKdsb3YSeA9pXgZPRzbBj5mrK29kgjLvcYTrLs5eyk9duNEPeSc0j0pBVQ92/pIvXQdlrwmptY9",
    "gQQBvhBcPD4zyYk94r+OPesrwr2FJJC91geTvJ55Or2BTAq9j71IvdlnPT6ci+W6G8XZvPCbpbxxldk94JF4vYe+d70J",
    "cp29kU8ovczXp706QFe9yoUqvaB7xjwvgTc+Hs4CvZAzjb0i6rg7G422vTcRGD0cEAA8VXOtPUkThD31Au29Nx8Qva7l",
    "7jx33V29QJsgPb3IjD2xOKI8F3TnPSiEmryIn/y8YAunvdu3kT36sXA9/HYAPmu8gr1ebrw9JJU3PaUAOrwd9+c8fA0n",
    "PVFCWz05tIi6NbIsPptt5j01XuY8+xoMPZK8xr0czJC9oYuPuruEgruF8j69B5Y1vA1l4z0DE369/aTevbnGOD0C5Js9",
    "g+o/vmZMVD5weYo9VXOxvGov8L2pjDi+oussvQUgSr4QrjO+VS86vbqwaL0e/Vc+/yAXPSnJ7jxPz4c9OMBBPfBzZjx/",
    "3E48SKa9PFvOiT1vE8g7uTCoPfXnr7zbiuk9P+H9O+/5Hj3HUHw9j53zvOFkNT29T8s7j467uYUxnT0q2Rm8ssmIPXCM",
    "8DyIcKk7+BQ/O7hmJ74lrlU8STt5vZzXtbxz2qe8HfBNvKBKMz1jRqA9IxHrOpMvqj05NM86axWAPUDLsL3hblw953Om",
    "PEmYi7yUD4q8FMUTPvukfzu9T+G7exNovAeNOj1X29c8GInCPbIhST0eDaQ9JVTMvd6gyj1wEKk9OzG0vca6qL2+nzm9",
    "1fShPfYEUbydPZq9TAw0Pkr2Hj2nvJi90Ko1PMWBGL4ouWu75StavXkpcb0vehm8W16cvQiNXL11Qgc9CA1MvfpFGTy8",
    "CNe9RHUevd0x47t/mX+9DHK5vRu3p735Zvy9pNksPvqhr73P+469OoXePMef1D3QPnM9SO7IPYS5GL5XOX88HUY5vfix",
    "hL1OKbW8q6MEPa2wvT0cXfe9oeMGvJQlPL2mPL07WEdRPbODSz1NPc68fb2WPefRrj2+pqC93dF+POK8gb2Jf369TM6L",
    "PVetuD1BL789qNl3PVNgbTxYWx6+JGHAPDTosb1oT8o9n3B3Pf9Avb1Xs4i8OZs9vrq3NL5IKi07eKkUvYWS0j34RsG9",
    "xT6xPIB1az75q889wfOYvGV6iD1wVpO71B9fPfFUor2QyBc9TfXDPf8Y0j0UfrW9+nLCPZ9VuLtlMFE8kpGEvK+t+bxS",
    "sAQ+RWAsvulpyT3CC+y9Py9bPVMUEL2bqc49AlMbvfAXn7sOJwo8g4MsPtNWHDrM2sE9W7nsvD7n8T0iPYM9S5e5PZsE",
    "Lz1qRY69ZFwgPUG+wb0IVPK93mcavkqEu71KyQO8YfIuvvUjBTtlwqq94wJLPS8qET1HJOK8O+YuPUsAhz3b2869ObIT",
    "vZvCgDyXyGi9fUFevSeOj71WMLs9CkwqPgfkkbzh3rk5ZeZdvVh+Ab23OeC7lxPPvU4iI7xdr0M9rcsGPlXfX73Sk4I9",
    "wxCDPSwjJjvKBLy93C0APfQpIr3wHc09XIwVvMELN73TGPA8kbcfPnCnE73liB49NIYlvclQBbxeWt09cMHSvbBR3Tyv",
    "7DE+fKnGPdOH8D2po6S9NHKNvWV3ljwJ2sM98f9ovL1hlL1MLJO9HeiWPWJ/NT2O4NC9GDNRPX7A7zwARPa80ifPvPje",
    "kb0/6rY9V0/XvdnPOL3JsbQ92RtUO63Yi7zeF069xGaLvAm/ljxc4qy9XE5ZPSN/ur2Tj309995IPbxEfby/3ty9B1R1",
    "PfgItTxlQRg9L0y/Peokxz0LSwk+6trBPNLhQz1BH/c99tfEvYIFkT1gWdQ8qhkMvRUKvDxxCNK8u4DDPIxW4z34NWG9",
    "+G7tvdIovL0WTfK7vRrXu/c7Gr3LOJu9Iv+nPbrJnT0FshQ9nhQDOVXJ6z2ohPw8AhfmvG3V8jy4IAo9mxaQO5m/OD2o",
    "J4492GlGvC0I2z27uGK9fbNsPcipKr0Wbtm8"]}, "block2": {"shape": [8, 3, 3, 8], "base64":
    ["spAMQP66jD+xqBi/irEwv65JFD9rm9Y/zEOTPyO5eb+09wlAN8aIP23oK7+aIQu+7BAZP5dEEkC7B/w+3Etov65v3z/q",
    "jVC8qo0rOyyTJ7/neDQ/Y30ZQAHQij6gwNS+UvvPPwe4wz8viJk9aYc2v94nm719ujo/mc+tP9NJBb8tzcQ/0GW8P3/X",
    "Br8FKhu/WitlvzPe4z+enuC9Jo3fvXpP/D87MeI+Eg0vv4NQM78t8hI+tvH0P37Vq77P8Mg9yruXv0sRyz8KOpc9mLIv",
    "v8ZZqL0jXMw/OtWBPyU2v7/SdDa/LmpLP4XFDb+A+0S/VmEOv7jL7D+AHag+lPWiv0YEir8W8DK/ib6dv3zdEr7ylBy/",
    "pokuQIWqX76qE9O+ZL3+P/O7H8AGpxK/DSpfvx15Kz9zRvU/CDzCPxU5Jj9kSJE/0MALwB6Fc7+3/M89QyP5Pm4hGUDG",
    "uYI/+bW5PzOXAz88E8m/rilKvnWFJ7+OgWO+iZcaQFr50z/W15o/dVHGPqPJEsA4bg+/J/xjv0IyHD8Ue5c/5IyaP/jh",
    "Or68KE8+tXazv3p0qr+0FmS/N84ZPFMX1T83wDg/awy0P219aT5RBWu/kasdvx39xb6vgSu/OHn2PzgdlD9hS98/RyQx",
    "P5J3I8Buw0m/3oHDPcIPhT9HaBJAYZqRP0aEkT/0nca9NY8GwOLP4L/VCOC+0JQHP+JX9z9/Qw2/1AKwP5xECr847BjA",
    "rzbdvzCKzDwgGQk/i9yPP1+J7TvvWt8/eGkHwLo8FL77xd69JET+vynUekB3LWK/kpMuvzEoV7+j8+O/uvtevt8NY79Z",
    "N52/P305QP6Xi7+njH6/jxT8vuC2iL+/s/m8xag2v1wK0b/QRJBAUpYEv6aygb9qdWK/FVYmv6l7D74WN2+/mx4pv//s",
    "/j/U736/fLA8PbIJID9iaSm/jzdPvvHh274TyrO+y0obQJUSb7+L8kC/Or5rP13lV7/eJ/E+3mmIv5rNWb8hFytATx0Z",
    "v2+nLb9r5KE+zriVP08abT6ufjQ9Mrp3v6KyMEDL2wm8QTmAvu7ayz8R4O8+fDjHPsthGj5IZaW/BuJBQLiyvz6YjOi/",
    "jSccP9liFr7WXoM/8SAavgHHnr8o2EJAWGP3Pk2kbL/GkYI/zdEqP1EHBz8cUjpAy1cFP/5YHL71D5k/nRJZv5axjr8x",
    "Y92+a/G5P0YNRUBqtLu+OGx4Pnzr6D+djUPA5FGdv0XWC79BiYY/gH0XQCZHvz0jUEg+jkCSPskCC8CYYaW/43t4P2qi",
    "BUCEB6I/lZnVvT5WDz38BXY/J5slv/RoP7+Dczc9MFcLQLIWzD9up7i+f8G8vkuqhj/CARXAt3KrvwbZHD6vhD1ARBa5",
    "P9X827wW4U69rfVhP5d5xb/U9Z6/kF5rPz5ZKUA9jxlAlZytPU8A5Ly9yoU/PYGfv+Zpnr4gKFE+YjYtQET+H0AfvII+",
    "Qoqcvruspj9WeAvAIo+EvxZAAD/+rF1AKYsMQBSe1r6nuTu+LCKOPyyBv79D0GK/RjgIQLxoaD/bfZ6/Y5kaQFkJgb88",
    "lLM+8Wp6vyYFrj+Lnq0/GLEPPW9cqb8j4ZI+/McOviYGUj/7ONa/vW5CP+m9gT80NXS/1DkTv21Kuj8WNQQ/BAx8vslI",
    "A8B+Mqc/FlWiP5oVpz/NmjK/vpkvQM5A67zg9vw9zWfjv3vI5j9bV4k//qPWP20KmL87rR1A2JWvPunv4z5lHZ2/qT6w",
    "P0xcgz+koWo/7DK3vjPJIUBoeN0+OhvXPntm479JL9A/QhkBPx+3pz6BCgI9gV88QMTkHT9lVra/sIOyv4/V7T+3pTY9",
    "fhPJPodbqb45PFFA5hmWvfMNpL9Ue8m+PZO9P2fOhT1SiSK/qpFjv2AHfUBfsJI/JmcLwJAPoL+EL6w/tcWEQM0jqr/y",
    "zW5ApTuWvXuRhD/b75O/AyTkvpCSDcCRVeY/2tjLvyazbUAwS4i/KYyoPxKQUT4iELQ8a3IYwEo0OUB0gyrAg95jQCAq",
    "YL48kgI/zBDOvbhIp7/fife/WCl2QK4zvT1HTm4/kYFGv+0vh7/2+RW8woE9vrXsA8BGOzJA02aLv0LnWj86LOO+Fe1C",
    "v4VgeL+JTx0/YSmwvzQ6J0BIhNO/SkTUPwzUkL8bawC/vQOLv+HDZz4PPgnABRpIP3J94L/XVyNA7K4vv0xVzD5RNhjA",
    "xnYBP+NxQcAHVyQ/ClDgv/EW3z868AU+zgzlPcou6r9fJVI/nx3nv7ftQ0AXvcK/bpcrQAR9DL8ToqY+W0LQv0OGuj4D",
    "QLW/+zlxv76h3L9jjSJA3/c3wDEjB8B/rWc6WpWTP/xyTkBQIqm/ijPmvkKS4T8hZSLA+fUDwP/5ur6YJ50/XCEeQJjc",
    "LL/PHw6+CCIyQBmZEMCQPpe/5unQv3VeQb3hxBFAGwapvh5ekLzsFKE/6w+bvy1vyb/1vdc+Fvn/PTin8j6QCaW/bWAe",
    "P3Z3zT9MMl2/zQnvvtaauD0WEE8/6zKOPnjLAr+2wJM/TMOxP9uIxb/f+f2/68Z1PI3lKb81yYo/l3gpwMOMPb9f0hpA",
    "5Qbkv/1MPMBbeB0/K+rYPvBGpj9FnxTA0w7mvuv2DEDNJ9i/ZOszwMQmKz9UjEG/m0JPP0fhyr/XeWq/s4IMP64cYr8g",
    "rB/AMpwpvm8r+L9iUiZA9kMBwEnS+D+nWVM/7KHLP7KZFb8K0Pu/KaSOP/g4Zb/cE9i/l7hAQCZuPD+BC7o/K3SPv0eT",
    "2L8YjfE/TS5RvwqfrL9JZUo/zVYFP8vaBECX1jTAmq7kv9nqqz+tigW/Un39v7I0eT9bHZi+yMZBP9jKbz/L93O9MdUL",
    "QFYDmb6zI1q/o7mqPwVYsr7i/+k/sFjiPk/+ub62b6I/k3azvvpkmL9iDqw/8HJevkrPxT8600W8QtGNv5M/YkDlRUG/",
    "S+7MPnacWD7s6Lm7OZmNPun6uT97dby+wrgKQCBuA8ABLK4/OhVGP1LVm77B3nU/gDWRPy8fGb8INZc/4nDTv3lV5z0l",
    "/RY/iiWbPQl+7T/dMcc/ltxavxHSR0C4B42/"]}, "dense": {"shape": [10, 8], "base64":
    ["nB+APwoInT/IOCq+dy+7vynaa78T+ja/opN8v3JNHT8ByEA/KmOov+L8ub//MZo/pFcQPyxhqL82cd671QtoPpGVNT6i",
    "s/q+EdCmv1DkXr/7lcy/zShZP+TQGz/Vjo0/bAWxvZeuD79SYQU/QVZXP5sb5L/iIHc/9m0nv0SyBj6NnYy/YdGuPkb4",
    "Ob+WWKm/rYiIP8aSWr+tDAM/Z3enPv+pMD8S9/8+1JHBPrnh0b7b2uc+oXAqP/NAv78NLO+/nufvPu6omD9xWsO+I5Kq",
    "vc1mer4VtWi/tvghPzBLBcAjzmq/HMZ4v++TeL+dYDa9++EiP8NYmj/ixJC/P98hPzE1aL/B01G+4jXqPvPv7D4o9yC9",
    "3vmPPYofRz8x7W2/DoMev4UtKr9OOas/ERgDvg0Q7T7Nb16/8y+yv1K4kj4="]}},
    "biases": {"dense": {"shape": [10], "base64":
    ["cMcqvRkoOz4f8ck+17UJv7JZmb0GEkM91NDIvqEsKz0lvvq9943/Pg=="]}, "stem": {"shape": [8], "base64":
    ["Z+SWv13RvzuQyuM+NDTSv/svEb4K2iq9fXuZv2AyE78="]}, "block1": {"shape": [8], "base64":
    ["D2rjvqaiqb5aKZ+/UbFXv7g+nb85kka/0y8SvwPutr8="]}, "block2": {"shape": [8], "base64":
    ["1qVev0Lvu7/AlHC+wlULwCw1gL5UYSW/NDxFP0Arjr8="]}},
    "wide": [64, 4, 1, 4, 4, 4, 4, 1],
    "ranges": {"input": [0.0, 1.0], "stem_pad": [0.0, 1.0], "stem_conv7x7_s2": [-6.390926361083984,
    5.83809757232666], "stem_relu": [0.0, 5.83809757232666], "stem_maxpool2x2": [0.0,
    5.83809757232666], "block_pad1": [0.0, 5.83809757232666], "block_conv3x3_a": [-4.28855562210083,
    2.880229949951172], "block_relu_a": [0.0, 2.880229949951172], "block_pad2": [0.0,
    2.880229949951172], "block_conv3x3_b": [-11.340629577636719, 17.248504638671875], "block_add":
    [-10.127666473388672, 20.433605194091797], "block_relu_b": [0.0, 20.433605194091797],
    "global_avgpool": [0.0, 9.50662899017334], "dense_8x10": [-20.022258758544922,
    14.61549186706543]},
    "wideRanges": {"input": [0.0, 1.0], "stem_pad": [0.0, 1.0], "stem_conv7x7_s2":
    [-6.390926361083984, 5.83809757232666], "stem_relu": [0.0, 5.83809757232666], "stem_maxpool2x2":
    [0.0, 5.83809757232666], "block_pad1": [0.0, 5.83809757232666], "block_conv3x3_a":
    [-241.28829956054688, 119.81250762939453], "block_relu_a": [0.0, 119.81250762939453],
    "block_pad2": [0.0, 119.81250762939453], "block_conv3x3_b": [-11.340629577636719,
    17.248504638671875], "block_add": [-10.127666473388672, 20.433605194091797], "block_relu_b":
    [0.0, 20.433605194091797], "global_avgpool": [0.0, 9.50662899017334], "dense_8x10":
    [-20.022258758544922, 14.61549186706543]},
    "scans":
    ["AAABCQ8LAAAAAAsQCA4GAAACEAoACQkAAAEQBAAICAAABBAEAAgIAAABEAUBCwMAAAAMDAoKAAAAAAEKDQMAAAAAAw0L",
    "BwAAAAALEBAQAgAABBAJAQ4CAAAEEAAAEAIAAAAQAQAMCAAAAA8JAA0GAAAACQ4JDgEAAAACDA0EAAAAAAAADgcAAAAA",
    "AA0QCQAAAAAKEBAHAAAABxAIEAIAAAABBQYQBgAAAAAABBAGAAAAAAACEAYAAAAAAAAMCwAAAAAACxAFAAAAAAAKEAUA",
    "AAAABBAQBQAAAAsQEBADAAAABQgOEAIAAAAAAA4QAgAAAAAACxACAAAAAAAIEAgAAAAABQwBAAAAAAAPDgcAAAAAAA0B",
    "DAAAAAACCgAOAAAAAAACABABAAAAAAAGDwAAAAAACRAPCQgCAAADCwgNDAQAAAAACQ0AAAAAAAIQEAEAAAAABQkPAAAA",
    "AAAABQ4AAAAAAAMPBwAAAAcQEAsAAAAAAAsOEAcDAAAAAAAJDwkAAAAHDw0BAAAACA0GDwQAAAACAQ0NAAAAAAACDwsB",
    "AAAAAAABDAwBAAAAAAABCggAAAAIBAUOCQAAAAcNDQkAAAAACg8OBAAAAAAEBg0QAgAAAAADEAkAAAAAAAEQBgAAAAAA",
    "AAoMAAAAAAAAARAEAAABCQUGEAcAAAAODA8LAgAAAAAADAIAAAAAAAYOAQAAAAAEEAcIAAAAAA0JABAGAAAGEAoLEAAA",
    "AAAFCg0QAAAAAAAABhAAAAAAAAAMCAAAAAAABhAEAAAAAAENDwEAAAABCxAFAAAAAAgQCgAKBgAADBAICRAMAAACDxAQ",
    "EAcAAAAABBALAAAAAAAHEAMAAAAFDA0QEAIAAAsQDwgEAAAACA4LAQAAAAAIEBAOAAAAAAEGBhAAAAAAAAAFEAMAAAAB",
    "BQ8NAAAAAAQPEAIAAAAAAAwICAcAAAADEBALBwAAAAIOAQAAAAAABQ4FAAAAAAACDxAJAAAAAAAAAhACAAAAAAQIEAQA",
    "AAAACw4JAAAAAAABDQ4DAAAAAAgQDQIAAAACEBADAAAAAAMQDAEAAAAABRAOBQAAAAADEBAQEAYAAAEOEBAQDAAAAAMM",
    "Dw4HAAAAAg8EAAAAAAALDQAAAAAAABAGAAAAAAADEAcAAAAAAAQQEA8FAAAABBAFAw0HAAABDgkACA0AAAACDRAQCAAA",
    "AAcIDRAPAQAABwcECwwAAAAAAAgNAQAABAgIDw8GAAACCw8PBAAAAAAAEAUAAAAAAAkPAQAAAAAADQUAAAAAAAABCA8K",
    "AAAAAw0PDg4AAAAFCgAKDAAAAAADBQ8KAgAAABAQEBAMAAABCAwOCAMAAAAACg0AAAAAAAALCQAAAAAABwcNEAQAAAAN",
    "DQYMBwAAAAoECgsBAAAACBAKAAAAAAMOEAAAAAAACAgLBQAAAAAECgkIAAAAAAELEAYAAAAAAAQIEAUAAAAACRAICwAA",
    "AAAFCgANAgAAAAANBA8CAAAAAAkQCAAAAAAIDw4FAAAAABAFDgQAAAAABhAMAQAAAAAGDQoEAAAABBAPDQ0AAAAEEA4Q",
    "EAEAAAIKEBAQBQAAAAAAAxAFAAAAAAAAEAgAAAAAAggQCAAAAAcQDgkBAAAAAg0GAAAAAAAEEA8FAAAAAAEPDA8AAAAA",
    "AAoQEAEAAAAAAAIQAgAAAAAAAA8FAAAABAQGEAMAAAACDhAKAAA="],
    "labels": [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9],
  };
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  /* The bytes of lines of base64; atob needs a page. */
  function bytes(lines) {
    const text = lines.join("").replaceAll("=", "");
    const digits = Array.from(text, (letter) => ALPHABET.indexOf(letter));
    return Uint8Array.from({ length: Math.floor((digits.length * 3) / 4) }, (_, i) => {
      const [at, left] = [Math.floor((i * 4) / 3), 2 * (i % 3) + 2];
      return (digits[at] << left) | (digits[at + 1] >> (6 - left));
    });
  }

  function reals({ shape, base64 }) {
    const view = new DataView(bytes(base64).buffer);
    const count = view.byteLength / 4;
    const numbers = Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
    return { data: numbers, shape };
  }

  /* Each pixel doubled both ways, ink 0..1, grey in three channels: tinyq.digits.upsample. */
  function upsample(scans, count) {
    const images = new Float32Array(count * 768);
    for (let i = 0; i < images.length; i += 1) {
      const [n, y, x] = [Math.floor(i / 768), Math.floor(i / 48) % 16, Math.floor(i / 3) % 16];
      images[i] = scans[n * 64 + (y >> 1) * 8 + (x >> 1)] / 16;
    }
    return { data: images, shape: [count, 16, 16, 3] };
  }

  /* The same function, block1's channels rescaled by powers of two: Digits.widened. */
  function widened(weights, biases) {
    const { block1, block2 } = weights;
    const [size, channels] = [block1.data.length / data.wide.length, data.wide.length];
    const first = block1.data.map((w, i) => w * data.wide[Math.floor(i / size)]);
    const second = block2.data.map((w, i) => w / data.wide[i % channels]);
    return [
      { ...weights, block1: { ...block1, data: first }, block2: { ...block2, data: second } },
      { ...biases, block1: biases.block1.map((b, c) => b * data.wide[c]) },
    ];
  }

  const each = (object, change) =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));

  let loaded;
  function load() {
    if (loaded) return loaded;
    const weights = each(data.weights, reals);
    const biases = each(data.biases, (bias) => reals(bias).data);
    const range = ([lo, hi]) => ({ lo, hi });
    const scans = bytes(data.scans);
    loaded = {
      net: ui.block.stemBlock(weights, biases),
      wideNet: ui.block.stemBlock(...widened(weights, biases)),
      ranges: each(data.ranges, range), wideRanges: each(data.wideRanges, range),
      scans, images: upsample(scans, data.labels.length), labels: data.labels,
    };
    return loaded;
  }

  ui.digits = { load };
})();
